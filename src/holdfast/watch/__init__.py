"""Is it true that it works, and if not, why.

Here will live: the dependency map, canaries that act like customers, signals from real sessions,
the diagnosis that names a cause with its evidence, and the ledger of incidents. It will run in its
own process with its own data, and imports nothing of what it watches.
"""
