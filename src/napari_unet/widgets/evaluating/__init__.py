"""Parts of the dock *Evaluate*."""
