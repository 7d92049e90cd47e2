#!/bin/sh
# tests/install/run.sh BUILD -- install a build to its prefix, which lies in BUILD, and use it from outside: a C program
# against the library, by pkg-config and by find_package, and the installed program.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
build=$(CDPATH='' cd -- "$1" && pwd)
prefix=$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$build/CMakeCache.txt")
case $prefix in "$build"/*) ;; *) echo "$prefix: not in $build, so it is not for tests" && exit 1 ;; esac
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
rm -rf "$prefix" && cmake --install "$build" >"$scratch/install.log"
library=$(cd "$prefix" && find . -name liblyne.so)
library=${library%/liblyne.so}

echo "every function and array of a public header is exported, and nothing else is"
sed -n -e 's/^[a-z][^(]*[ *]\(lyne_[a-z0-9_]*\)(.*/\1/p' -e 's/^extern const [a-z]* \(lyne_[a-z0-9_]*\)\[.*/\1/p' \
    "$prefix"/include/lyne/*.h | LC_ALL=C sort -u >"$scratch/declared"
nm -D --defined-only "$prefix/$library/liblyne.so" | sed 's/.* //' | LC_ALL=C sort -u >"$scratch/exported"
[ -s "$scratch/declared" ]
diff "$scratch/declared" "$scratch/exported"

echo "each public header stands alone"
for header in "$prefix"/include/lyne/*.h; do
    echo "#include <lyne/$(basename "$header")>" >"$scratch/alone.c"
    cc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$prefix/include" -fsyntax-only "$scratch/alone.c"
done

echo "by pkg-config, the installation having been moved"
moved=$scratch/moved
cp -r "$prefix" "$moved"
flags=$(PKG_CONFIG_PATH=$moved/$library/pkgconfig pkg-config --cflags --libs lyne)
cc -std=c11 -Wall -Wextra -Werror "$here/reader.c" $flags -Wl,-rpath,"$moved/$library" -o "$scratch/by-pkg-config"
"$scratch/by-pkg-config"
case $flags in *"$prefix"*) echo "the flags name the old place: $flags" && exit 1 ;; esac

echo "by find_package"
cmake -G Ninja -S "$here" -B "$scratch/out" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release >"$scratch/cmake.log"
cmake --build "$scratch/out" >"$scratch/cmake.log"
"$scratch/out/reader"

echo "the installed program finds the installed descriptions of data sets, moved or not"
"$prefix/bin/lyne" version
cp "$prefix/share/lyne/recipes/quickstart.yaml" "$scratch"
for program in "$prefix/bin/lyne" "$moved/bin/lyne"; do (cd "$scratch" && "$program" check quickstart.yaml); done
mv "$moved/share/lyne/datasets/strokes.yaml" "$scratch"
(cd "$scratch" && ! "$moved/bin/lyne" check quickstart.yaml 2>said)
grep -q 'there is no datasets/strokes.yaml' "$scratch/said"
