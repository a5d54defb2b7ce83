/* SPDX-License-Identifier: MIT */
/*
 * What every unit test includes first.
 *
 * cmocka.h needs four headers before it, in an order that a formatter would change;
 * that is hidden here.  TOP is the folder of the repository, for fixtures.
 */
#ifndef MEMHEAT_TEST_H
#define MEMHEAT_TEST_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#endif
