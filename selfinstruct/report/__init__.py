"""One offline page that tells what happened."""
