"""Floor 2: where to talk and who we are. `table` holds the rows, `row` their type, `resolve` finds a model's place.

Pure: the environment comes as an argument, nothing is opened. The only room that may ask which provider it is.
"""
