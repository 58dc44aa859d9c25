"""Networks and layers: functions of tensors."""
