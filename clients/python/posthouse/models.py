"""What the operations take and give; generated."""

from posthouse.generated.models import *  # noqa: F403
