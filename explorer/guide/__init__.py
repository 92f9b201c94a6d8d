"""What the Guide computes before the reader's eyes: small runs of our own quantizers, and their source."""

from explorer.guide.gradients import both_routes, pulls
from explorer.guide.listings import QUOTED, Listing, listing
from explorer.guide.lookup import distances
from explorer.guide.relaxation import relaxed
from explorer.guide.rounding import rounded
from explorer.guide.stages import in_stages

__all__ = ["QUOTED", "Listing", "both_routes", "distances", "in_stages", "listing", "pulls", "relaxed", "rounded"]
