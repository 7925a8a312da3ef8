// AtomicFiles
