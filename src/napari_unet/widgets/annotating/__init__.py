"""Parts of the dock *Annotate*."""
