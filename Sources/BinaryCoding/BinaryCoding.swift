// BinaryCoding
