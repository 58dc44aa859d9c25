"""Files, random streams, devices, memory and text: no mathematics of models."""
