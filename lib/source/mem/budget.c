/* SPDX-License-Identifier: MIT */
/*
 * The cost of a sample to the target cannot be measured from outside, so the published
 * figures are taken: 200 to 300 ns where PEBS writes many per interrupt, 1 to 2 us with
 * an interrupt each.
 */
#include "source/mem/budget.h"

#define TOO_MUCH 1.1 /* of the share */
#define TOO_LESS 0.4
#define MOST     8.0 /* times longer or shorter */
#define SHORTEST 97u

double mh_mem_budget_used(struct mem_budget *b, uint64_t time_ns, uint64_t cpu_ns,
			  uint64_t nr_samples)
{
	double elapsed = (double)(time_ns - b->time_ns);
	double cost = (double)(cpu_ns - b->cpu_ns) +
		      (double)(nr_samples - b->nr_samples) * (double)b->sample_cost_ns;

	b->time_ns = time_ns;
	b->cpu_ns = cpu_ns;
	b->nr_samples = nr_samples;
	return elapsed > 0 ? cost / elapsed : 0;
}

uint64_t mh_mem_budget_period(const struct mem_budget *b, uint64_t period, double used,
			      uint64_t step)
{
	double times = used / b->share, next;

	if (times <= TOO_MUCH && times >= TOO_LESS)
		return period;
	/* Nothing came: that does not tell how much would. */
	if (used <= 0)
		return period;
	if (times > MOST)
		times = MOST;
	if (times < 1 / MOST)
		times = 1 / MOST;
	next = (double)period * times;
	if (next < SHORTEST)
		next = SHORTEST;
	period = (uint64_t)next;
	return step > 1 ? (period + step - 1) / step * step : period | 1;
}
