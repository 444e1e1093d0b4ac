struct Plain;

fn needs<T: rollwright_core::Rollup>(_: T) {}

fn main() {
    needs(Plain);
}
