struct Plain;

fn needs<T: rollwright_core::DataAvailability>(_: T) {}

fn main() {
    needs(Plain);
}
