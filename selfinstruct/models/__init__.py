"""Language models behind one call: durable, bounded, in request order."""
