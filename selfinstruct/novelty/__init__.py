"""Is there something in the pool that reads like it?"""
