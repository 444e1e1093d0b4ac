struct Plain;

fn needs<T: rollwright_core::Messaging>(_: T) {}

fn main() {
    needs(Plain);
}
