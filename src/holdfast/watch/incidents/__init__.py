"""The record of outages: what failed, why, whom it hit, what was promised, and what became of that."""

from holdfast.watch.incidents.incidents import Incident, Incidents
from holdfast.watch.incidents.ledger import IncidentLedger, IncidentReader

__all__ = ["Incident", "IncidentLedger", "IncidentReader", "Incidents"]
