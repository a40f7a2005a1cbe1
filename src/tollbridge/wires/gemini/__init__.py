"""Gemini's generateContent and streamGenerateContent: clients speak it, and Google AI Studio and Vertex do.

read_request (read_parts, read_settings)     a client's body -> Request
write_request                                Request -> a body: as it came (write_parts, write_settings), or made from
                                             another dialect's (history, settings, models, lacking)
response, stream_reader, stream_writer       answers, whole and in chunks; grounding, logprobs, usage, finish
wire                                         all of it as one value, which loads when somebody speaks it
signature, schema                            what is not said as elsewhere; errors, shapes, tap: as in every wire
"""
