"""Parts of the dock *Train*."""
