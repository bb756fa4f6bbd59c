import pytest


@pytest.fixture(scope="package")
def cluster():
    """Two worker processes of one thread each, for all tests of this folder."""
    import dask
    from distributed import LocalCluster

    # A worker that was killed may take longer to come back than a cluster waits by itself.
    patient = dask.config.set({"distributed.deploy.lost-worker-timeout": "1 hour"})
    with (
        patient,
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
    ):
        yield cluster


@pytest.fixture
def client(cluster):
    from distributed import Client

    with Client(cluster) as client:
        client.wait_for_workers(2, timeout=60)
        yield client
