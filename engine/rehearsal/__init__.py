"""Before the gig: levels, the lesson, the report, the check-up. Nothing here is needed on stage."""
