"""From numbers to judgement."""
