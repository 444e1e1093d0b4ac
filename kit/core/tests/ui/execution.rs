struct Plain;

fn needs<T: rollwright_core::Execution>(_: T) {}

fn main() {
    needs(Plain);
}
