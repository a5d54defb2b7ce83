/* SPDX-License-Identifier: MIT */
/* `--overhead`: periods that keep what sampling costs within a share of a CPU. */
#ifndef MEMHEAT_SOURCE_MEM_BUDGET_H
#define MEMHEAT_SOURCE_MEM_BUDGET_H

#include <stdint.h>

struct mem_budget {
	double share;                         /* of one CPU */
	uint64_t sample_cost_ns;              /* what a sample takes from the target */
	uint64_t time_ns, cpu_ns, nr_samples; /* at the last look */
};

/*
 * What was used since the last look, as a share of a CPU: our own time and the target's.
 * Remembers the look.
 */
double mh_mem_budget_used(struct mem_budget *b, uint64_t time_ns, uint64_t cpu_ns,
			  uint64_t nr_samples);

/*
 * The period that would have kept within the share; @period itself where it is near
 * enough. Changes at most eightfold at a time, and stays a multiple of @step.
 */
uint64_t mh_mem_budget_period(const struct mem_budget *b, uint64_t period, double used,
			      uint64_t step);

#endif
