"""Language models behind one call: durable, bounded, in request order.

In: requests, lazily. Out: completions and failures in the same order, each on record before it is handed out.
No paper: retries and limits follow what hosted endpoints ask for.

To change                                          open
what a short string such as `openai:NAME` makes    make.py (one line a backend), backend.py (what it must do)
an endpoint's protocol, what its errors mean       openai_compatible.py, openai_answer.py
which addresses may be used; a key kept out of it  endpoint.py, api_key.py
what stages may read of an answer, room to think   usable.py (marks of thinking: `thinking` on the ground floor)
the model in this process, its weights             embedded.py, weights.py, gemma.py
Transformers models: batches, how they are loaded  transformers_model.py, transformers_decode.py, sampling.py,
                                                   transformers_weights.py, weights_facts.py
a backend that others wrote, by a dotted path      make.py, `plugins` on the ground floor
weights to be trained, what must be said of them   trainable.py
models that read from a file                       scripted.py, replay.py
what happens between a request and its answer      gate.py, dispatch.py, call.py, loop.py
when to ask again, how fast, how many at a time    policy.py, limits.py
when too many requests have failed                 fates.py
caps, tokens, prices                               money.py, prices.py
log-probabilities of given text                    token_scorer.py
"""
