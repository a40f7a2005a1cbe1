"""Config -> running gateway: the only room that names concrete transports, wires and observers."""
