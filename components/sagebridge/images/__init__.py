"""AWS's images, and whether an archive is there and fits one."""
