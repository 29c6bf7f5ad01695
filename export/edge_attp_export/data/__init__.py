"""From videos to training samples: data sets, transcoding, the cache, sampling and crops."""
