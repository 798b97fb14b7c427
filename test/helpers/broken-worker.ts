/** A worker file that cannot be loaded. */
throw new Error('this worker does not start');
