"""Property tests for components: what holds for every prior, likelihood, posterior, network and objective.

    from vaekit.testing import check_prior

    def test_my_prior():
        check_prior(spherical, radius=2.0)

Each function takes a registered function or class and its options. It raises AssertionError with one line
that names the property that fails. The same functions test the components of vaekit itself. They need no
test framework, take about a second each, and keep the state of the random generator.

Any module below `cli` may be tested from here; nothing in the package imports it.
"""

from vaekit.testing.networks import check_network
from vaekit.testing.objectives import check_objective
from vaekit.testing.outputs import check_likelihood, check_posterior
from vaekit.testing.priors import check_prior

__all__ = ["check_likelihood", "check_network", "check_objective", "check_posterior", "check_prior"]
