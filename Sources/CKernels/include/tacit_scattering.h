#ifndef TACIT_SCATTERING_H
#define TACIT_SCATTERING_H

#include <stddef.h>

/// Images that are transformed together, one in each lane.
enum { TACIT_SCATTERING_LANES = 16 };

/// What the scattering transform of two scales needs besides images. `rows` and `columns` are those of the padded image,
/// multiples of 4.
typedef struct {
    size_t rows, columns, result_rows, result_columns, orientations;
    /// Wavelets of the two scales in the frequency domain, `orientations` × rows × columns each; the factor of the
    /// inverse transform that follows is part of them.
    const float *fine, *coarse;
    /// Low-pass, subsampling and cutting off of the padding as matrices, for maps at full and at half size:
    /// result_rows × rows, result_columns × columns; result_rows × rows/2, result_columns × columns/2.
    const float *full_rows, *full_columns, *half_rows, *half_columns;
    /// cos and sin of 2πi/n in pairs, i < n, for n = rows and n = columns; every second pair serves half the size.
    const float *row_roots, *column_roots;
} tacit_scattering_plan;

/// Floats that `scratch` must have.
size_t tacit_scattering_scratch(const tacit_scattering_plan *plan);

/// For 16 padded images, rows × columns × lanes: the coefficients, result_rows × result_columns × channels × lanes. The
/// channels are order 0, order 1 by scale and orientation, order 2 by first and second orientation.
void tacit_scattering_transform(const tacit_scattering_plan *plan, const float *images, float *result, float *scratch);

#endif
