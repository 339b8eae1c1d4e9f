"""Parts of the dock *Segment*."""
