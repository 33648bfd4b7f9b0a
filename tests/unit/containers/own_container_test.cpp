// Which container we are, and how the engine names what we see.
#include "containers/own_container.h"

#include <catch2/catch.hpp>

TEST_CASE("own container: the id stands in the mounts of /etc/hostname") {
    const std::string id = "3f2b8c1d4e5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
    struct Case {
        std::string mountinfo, expected;
    };
    const Case cases[] = {
        {"", ""},
        {"22 1 8:1 / / rw - ext4 /dev/root rw\n", ""},
        {"612 590 254:0 /var/lib/docker/containers/" + id +
             "/hostname /etc/hostname rw - ext4 /dev/vda rw\n",
         id},
        {"612 590 254:0 /data/containers/short/x /x rw\n613 590 254:0 /data/containers/" + id +
             "/hosts /etc/hosts rw\n",
         id},
        {"612 590 254:0 /data/containers/" + id + "0/hosts /etc/hosts rw\n", ""},
    };
    for (const Case& c : cases) {
        INFO(c.mountinfo);
        CHECK(containers::container_id_in(c.mountinfo) == c.expected);
    }
}

TEST_CASE("own container: the engine's path of ours, by the innermost mount") {
    const containers::OwnContainer own{
        "id",
        "project",
        {{"/sockets", "/var/lib/docker/volumes/s/_data"}, {"/sockets/deep", "/home/me/deep"}}};
    struct Case {
        const char *here, *expected;
    };
    const Case cases[] = {
        {"/sockets", "/var/lib/docker/volumes/s/_data"},
        {"/sockets/dodam/1a2b/t", "/var/lib/docker/volumes/s/_data/dodam/1a2b/t"},
        {"/sockets/deep/x", "/home/me/deep/x"},
        {"/socketsfoo/x", ""},
        {"/run/dodam", ""},
    };
    for (const Case& c : cases) {
        INFO(c.here);
        CHECK(own.seen_by_engine(c.here) == c.expected);
    }
}
