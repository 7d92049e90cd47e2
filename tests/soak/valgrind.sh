# tests/soak/valgrind.sh -- memcheck over a run of every stage kind, a resumed one, plan and check: no invalid access, nothing
# uninitialised used by Lyne, nothing lost.  oneDNN is told to use AVX2, which valgrind knows; what it compiles at run time is
# not Lyne's and not looked at.
. "$LYNE_SOURCE/tests/cli/helpers"
command -v valgrind >/dev/null || skip "valgrind is not installed"
small_recipe
export ONEDNN_MAX_CPU_ISA=AVX2 LYNE_MAX_ISA=avx2 OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive # or it would start itself over
cat >known.supp <<-end
	{
	   code that oneDNN has made has no symbols
	   Memcheck:Cond
	   obj:*libdnnl*
	}
	{
	   threads of OpenMP live until the end
	   Memcheck:Leak
	   ...
	   obj:*libgomp*
	}
	{
	   caches of oneDNN live until the end
	   Memcheck:Leak
	   ...
	   obj:*libdnnl*
	}
	end
grind() {
    wanted=$1
    shift
    valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite \
        --suppressions=known.supp --log-file=findings "$@" >out 2>err
    [ $? -eq "$wanted" ] && [ ! -s findings ] || { cat findings && fail "valgrind: $*"; }
    n=$((${n:-0} + 1))
}
grind 0 "$LYNE" check recipe.yaml
grind 0 "$LYNE" plan recipe.yaml --quick --threads 1
grind 0 "$LYNE" run recipe.yaml --threads 1 --set 'seeds=[1]' --set stages.teacher.train.epochs=1
rm -rf runs
grind 0 "$LYNE" run recipe.yaml --threads 1 --set 'seeds=[1]' --set 'stages.student.distill.model={lenet: {norm: true}}'
grind 0 "$LYNE" labels info runs/small/soft_labels
grind 0 "$LYNE" labels verify runs/small/soft_labels --sample 20
echo "$n commands, nothing invalid and nothing lost"
