"""Who is hurt, what they are told, when it ends, and what they are owed.

Here will live: the exact set of affected customers per function and minute, estimates with their
basis, the status page, notices over other channels than mail, reports of customers, and credits.
It runs beside `watch`, and works with every mail process dead.
"""
