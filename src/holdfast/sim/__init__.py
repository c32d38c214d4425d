"""The whole system on a simulated world: scenarios, faults, checkers. See README.md."""
