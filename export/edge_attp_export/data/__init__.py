"""From videos to training samples: sets, transcoding, the cache, draws and crops."""
