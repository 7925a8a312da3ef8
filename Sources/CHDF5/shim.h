#include <hdf5.h>

// Macros that Swift does not see.
static inline hid_t tacit_hdf5_native_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t tacit_hdf5_file_access(void) { return H5P_FILE_ACCESS; }
