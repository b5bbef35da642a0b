/*
 * base.h - the ground that every room stands on. Includes the room's other headers.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include "base/platform.h"
#include "base/status.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/arena.h"
#include "base/text.h"
#include "base/bits.h"

#endif
