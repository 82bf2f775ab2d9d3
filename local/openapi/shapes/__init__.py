"""Shapes of answers, and of requests that codecs read by hand, as Structs from which their JSON Schema is written.

Bodies that endpoints read into Structs are not here: the document takes those. Tests hold each shape to real answers.
"""
