// Umbrella header of the C kernels: includes every other header of this target.
#ifndef TACIT_CKERNELS_H
#define TACIT_CKERNELS_H

#include "tacit_zeroise.h"
#include "tacit_cpu.h"
#include "tacit_chacha20.h"
#include "tacit_mask.h"
#include "tacit_aes_stream.h"
#include "tacit_keccak.h"
#include "tacit_field.h"
#include "tacit_montgomery52.h"
#include "tacit_montgomery64.h"
#include "tacit_lattice.h"
#include "tacit_slots.h"
#include "tacit_noise.h"
#include "tacit_network.h"
#include "tacit_scattering.h"

#endif
