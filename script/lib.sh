# Sourced by the other scripts: where things are, packages, and a Node that is new enough.
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/dodam
node_version=20.20.2
npm_version=10.8.2

# install_packages FILE…: what of the lists is missing. As root it installs; otherwise it prints the command.
install_packages() {
    local wanted missing=() package
    mapfile -t wanted < <(sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "$@")
    for package in "${wanted[@]}"; do
        dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    if [ "$(id -u)" -ne 0 ]; then
        echo "bootstrap: ${#missing[@]} packages are missing; install them with" >&2
        echo "  sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
        return 3
    fi
    echo "bootstrap: installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

node_is_new_enough() { node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2>/dev/null; }

# A Node of at least 20 on PATH: the machine's own, else the npm registry's build of it in our cache.
ensure_node() {
    node_is_new_enough && command -v npm >/dev/null && return 0
    local home=$cache/node-$node_version work
    if [ ! -x "$home/bin/node" ]; then
        command -v npm >/dev/null || { echo "bootstrap: npm is missing: apt-get install npm" >&2; return 3; }
        echo "bootstrap: Node $node_version from the npm registry"
        work=$(mktemp -d)
        (cd "$work" && npm pack --silent "node-linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')@$node_version" "npm@$npm_version" >/dev/null)
        mkdir -p "$work/out/bin" "$work/out/lib"
        tar -xzf "$work"/node-linux-*.tgz -C "$work" && mv "$work/package/bin/node" "$work/out/bin/node" && rm -rf "$work/package"
        tar -xzf "$work"/npm-*.tgz -C "$work" && mv "$work/package" "$work/out/lib/npm"
        ln -s ../lib/npm/bin/npm-cli.js "$work/out/bin/npm"
        ln -s ../lib/npm/bin/npx-cli.js "$work/out/bin/npx"
        chmod 755 "$work/out/bin/node" "$work/out/lib/npm/bin/"*-cli.js
        mkdir -p "$cache" && mv -T "$work/out" "$home"
        rm -rf "$work"
    fi
    export PATH="$home/bin:$PATH"
}
