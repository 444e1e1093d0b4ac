struct Plain;

fn needs<T: rollwright_core::Settlement>(_: T) {}

fn main() {
    needs(Plain);
}
