"""Judges a program's answer by the JSON schema that its client asked for. Knows no program, run or HTTP."""
