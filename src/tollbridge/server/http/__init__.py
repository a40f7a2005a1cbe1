"""HTTP/1.1 as we serve it: strict heads, bounded bodies, answers in order, an honest end."""
