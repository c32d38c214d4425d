"""DNS records of a domain: which it needs, which it has, and its DKIM keys."""

from holdfast.flow.records.check import Finding, Report, Status, check
from holdfast.flow.records.dkim import DkimKey, DkimKeys
from holdfast.flow.records.wanted import Holder, Need, Place, Service, Wanted, records_of, sts_policy
from holdfast.flow.records.zone import zone_text

__all__ = [
    "DkimKey",
    "DkimKeys",
    "Finding",
    "Holder",
    "Need",
    "Place",
    "Report",
    "Service",
    "Status",
    "Wanted",
    "check",
    "records_of",
    "sts_policy",
    "zone_text",
]
