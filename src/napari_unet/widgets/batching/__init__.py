"""Parts of the dock *Batch*."""
