"""Drills in virtual time, on a provider bigger than one machine shows: what it does is simulated, what is
made of it is the real diagnosis, the real record of incidents and the real care."""
