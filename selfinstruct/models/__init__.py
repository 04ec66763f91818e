"""Language models behind one call: durable, bounded, in request order.

In: requests, lazily. Out: completions and failures in the same order, each on record before it is handed out.
No paper: retries and limits follow what hosted endpoints ask for.

To change                                          open
what a short string such as `openai:NAME` makes    make_backend.py (one line a backend), backend.py (what it must do)
a backend that others wrote, by a dotted path      make_backend.py, `plugins` on the ground floor
an endpoint known by a short name, its settings    hosted.py
how an endpoint is asked; how its answer is read   openai_compatible.py, openai_request.py; openai_answer.py
what an endpoint can do, asked before a run        endpoint_capabilities.py, capability_probe.py
which wording of a refusal names which parameter   refused_parameters.py
which addresses may be used; the key, masked       endpoint.py
what stages may read of an answer, room to think   backend.py (marks of thinking: `text.thinking`)
llama.cpp in this process; where its weights lie   embedded.py; weights.py (Gemma's too)
Transformers models: loading; batches, sampling    transformers_weights.py; transformers_model.py,
                                                   transformers_decode.py
what a model's files say before it is loaded       model_files.py
log-probabilities and hidden states of given text  transformers_scoring.py
a student as a GGUF file                           gguf_export.py
models that read from a file                       scripted.py, replay.py
what happens between a request and its answer      gate.py (stops after many failures), dispatch.py, event_loop.py
when to ask again, how fast, how many at a time    limits.py
caps, tokens, prices                               prices_and_budget.py
"""
