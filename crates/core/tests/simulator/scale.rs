//! Cost: what a decision costs does not grow with the plan.
