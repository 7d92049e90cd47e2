# src/package/debian.sh -- the Debian packages that Lyne is built from, and how a script gets them.
# Sourced by recipes/quickstart.sh and tests/run.sh.

lyne_packages="gcc libc6-dev cmake ninja-build pkg-config \
    libdnnl-dev libyaml-dev libjansson-dev zlib1g-dev libzstd-dev libxxhash-dev \
    libturbojpeg0-dev libpng-dev"

# Install those of the named packages that are missing.  Fails, saying what to type, where it may not.
lyne_install_packages() {
    if ! command -v dpkg-query >/dev/null; then
        echo "Not a Debian: going on as if these were installed: $*"
        return 0
    fi
    missing=
    for package; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *) missing="$missing $package" ;;
        esac
    done
    if [ -z "$missing" ]; then
        echo "All $# packages are installed."
        return 0
    fi
    root=
    if [ "$(id -u)" -ne 0 ]; then
        root=sudo
        if ! command -v sudo >/dev/null; then
            echo "Missing packages.  As root: apt-get install --no-install-recommends$missing"
            return 1
        fi
    fi
    echo "Installing$missing"
    $root apt-get -qq update &&
        $root env DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $missing >/dev/null
}
